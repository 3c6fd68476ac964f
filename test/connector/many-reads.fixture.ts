/** Reads many large values and some small ones at the same time, where few files may be open, and tells how many bytes came. */
import { FileConnector } from '../../src/connector/file.ts'

const connector = new FileConnector({ dir: process.argv[2] as string })
const large = connector.put([new Uint8Array(1_100_000)])
const small = connector.put([new Uint8Array(1_000)])
const gone = connector.put([])
connector.evict(gone)
const keys = Array.from({ length: 100 }, () => [large, large, small, gone]).flat()
const sizes = await Promise.all(keys.map(async (key) => (await connector.get(key))?.byteLength ?? -1))
process.stdout.write(JSON.stringify(sizes.reduce((sum, size) => sum + size, 0)))
connector.close()
