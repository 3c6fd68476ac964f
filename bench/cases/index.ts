import type { Case } from '../case.ts'
import { largeArguments } from './arguments.ts'
import { bag } from './bag.ts'
import { graph } from './graph.ts'
import { heap } from './heap.ts'
import { imports } from './import.ts'
import { scale } from './scale.ts'

export const cases: readonly Case[] = [bag, graph, scale, heap, imports, largeArguments]
