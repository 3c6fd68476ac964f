import type { Case } from '../case.ts'
import { largeArguments } from './arguments.ts'
import { bag } from './bag.ts'
import { dataPlane } from './data-plane.ts'
import { distributed } from './distributed.ts'
import { graph } from './graph.ts'
import { heap } from './heap.ts'
import { imports } from './import.ts'
import { poolBag } from './pool-bag.ts'
import { poolBytes } from './pool-bytes.ts'
import { poolChain } from './pool-chain.ts'
import { poolHeap } from './pool-heap.ts'
import { poolLatency } from './pool-latency.ts'
import { poolMixed } from './pool-mixed.ts'
import { poolStart } from './pool-start.ts'
import { poolWords } from './pool-words.ts'
import { scale } from './scale.ts'
import { serializer } from './serializer.ts'

export const cases: readonly Case[] = [
  bag,
  graph,
  scale,
  heap,
  imports,
  largeArguments,
  poolBag,
  poolLatency,
  poolMixed,
  poolChain,
  poolBytes,
  poolWords,
  poolStart,
  poolHeap,
  dataPlane,
  serializer,
  distributed,
]
