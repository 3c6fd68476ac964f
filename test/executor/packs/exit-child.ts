// A program that never shuts its executor down. With `spin` it says which processes run, and that they will never end.
import { place, run, spin } from '../pool/fault-tasks.ts'
import { LocalPacks } from './local-backend.ts'

const [what, trace] = process.argv.slice(2) as [string, string]
const executor = new LocalPacks(2)

if (what === 'spin') {
  await executor.warmup(place)
  const worker = await executor.submit(place)
  void executor.submit(spin, trace, 'endless')
  const other = await executor.submit(place)
  console.log(JSON.stringify([worker, other]))
} else {
  if (what === 'warmup') await executor.warmup(run)
  console.log(await Promise.all([executor.submit(run, trace, 'a'), executor.submit(run, trace, 'b')]))
  if (what === 'shutdown') {
    await executor.shutdown()
    console.log('down')
  }
}
