// Measures one variant of one case, and prints the figure, or the figures. Each has this process to itself, so that what one library
// does to the compiler and the heap does not change the figures of another.
import { cases } from './cases/index.ts'

const [name, key] = process.argv.slice(2)
const variant = cases.find((one) => one.name === name)?.variants.get(key ?? '')
if (variant === undefined || !('run' in variant)) throw new Error(`There is no ${name}: ${key}`)
console.log(JSON.stringify(await variant.run()))
// Some leave tasks behind that never end.
process.exit()
