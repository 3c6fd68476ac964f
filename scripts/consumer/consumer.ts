// A consumer's program, type-checked against the packed declarations without skipLibCheck.
import { Engine, type TaskFuture, task } from 'taps-sdk'
import * as bullmq from 'taps-sdk/bullmq'
import * as node from 'taps-sdk/node'
import * as python from 'taps-sdk/python'
import * as redis from 'taps-sdk/redis'
import * as testing from 'taps-sdk/testing'

export const double = task({ name: 'double' }, (x: number) => x * 2)
export const subpaths = [bullmq, node, python, redis, testing]

const engine = new Engine()
const four: TaskFuture<number> = engine.submit(double, engine.submit(double, 1))
export const value: number = await four
// @ts-expect-error a string is no number
engine.submit(double, 'one')
await engine.shutdown()
