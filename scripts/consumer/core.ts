// The core alone, for a consumer that has the types of browsers and not those of Node.
import { Engine, task } from 'taps-sdk'

const double = task({ name: 'double' }, (x: number) => x * 2)
const engine = new Engine()
export const value: number = await engine.submit(double, engine.submit(double, 1))
