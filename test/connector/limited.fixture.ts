/** Stores a large value and a small one where files may not be large, and tells what became of them. */
import { FileConnector } from '../../src/connector/file.ts'

const connector = new FileConnector({ dir: process.argv[2] as string })
try {
  connector.put([new Uint8Array(10), new Uint8Array(1_000_000)])
} catch (error) {
  const { name, message } = error as Error
  const key = connector.put([new Uint8Array(10)])
  process.stdout.write(JSON.stringify({ name, message, stored: connector.exists(key), run: connector.run }))
  process.exit()
}
