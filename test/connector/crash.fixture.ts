/** Stores something in a folder, says under which run, and dies without closing. */
import { writeSync } from 'node:fs'
import { FileConnector } from '../../src/connector/file.ts'

const connector = new FileConnector({ dir: process.argv[2] as string })
connector.put([new Uint8Array(10)])
writeSync(1, connector.run)
process.kill(process.pid, 'SIGKILL')
