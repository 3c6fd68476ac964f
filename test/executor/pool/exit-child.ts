// A program that never shuts its pool down. With `spin` it says which processes run, and that they will never end.
import { ProcessPoolExecutor, ThreadPoolExecutor } from '../../../src/node/index.ts'
import { quiet } from '../../support/quiet.ts'
import { place, run, spin } from './fault-tasks.ts'

const [kind, what, trace] = process.argv.slice(2) as [string, string, string]
const Pool = kind === 'threads' ? ThreadPoolExecutor : ProcessPoolExecutor
const pool = new Pool({ maxWorkers: 2 })

if (what === 'spin') {
  const workers = [await pool.submit(place)]
  void pool.submit(spin, trace, 'endless')
  // Another one, with nothing to do.
  pool.on('workerStarted', ({ id }) => console.log(JSON.stringify([...workers, id])))
  await pool.submit(run, trace, 'idle')
} else {
  console.log(await Promise.all([pool.submit(run, trace, 'a'), pool.submit(run, trace, 'b')]))
  if (what === 'shutdown') {
    await pool.shutdown()
    // Node closes handles in the rounds that follow.
    await quiet()
    console.log(process.getActiveResourcesInfo().filter((name) => !/^(TTY|Pipe)Wrap$|^FSReqPromise$/.test(name)))
  }
}
