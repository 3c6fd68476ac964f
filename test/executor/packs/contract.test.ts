import { describe, expect, test } from 'vitest'
import { executorContract } from '../../../src/testing/executor-contract.ts'
import { LocalPacks } from './local-backend.ts'

describe('packs, one at a time', () => executorContract({ test, expect }, { create: () => new LocalPacks(1) }))
describe('packs, two at a time', () => executorContract({ test, expect }, { create: () => new LocalPacks(2) }))
