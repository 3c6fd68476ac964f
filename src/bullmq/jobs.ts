/** What a client does with its jobs in the queue. */
import type { OutgoingPack } from '../executor/packs/backend.ts'
import { checkedAnswer, JOB_NAME, type JobAnswer, MOST_INLINE_CALLS, PROTOCOL } from './job.ts'
import { putMessages } from './parcels.ts'
import type { QueueLink } from './queue-link.ts'

/** For how long calls and answers stay that nobody takes, in ms; clients renew that. */
export const TTL = 3_600_000

/** A pack, and the id of its job. */
export interface PackJob {
  readonly id: string
  readonly pack: OutgoingPack
}

/** Whether its calls are in a list of their own. */
export function isLarge({ text, beside }: OutgoingPack): boolean {
  return beside.length > 0 || text.length > MOST_INLINE_CALLS
}

/** Adds all at once. The same again does no harm. */
export async function addJobs(
  { clients, queue, names }: QueueLink,
  client: string,
  all: readonly PackJob[],
): Promise<void> {
  const large = all.filter(({ pack }) => isLarge(pack))
  await Promise.all(large.map(({ id, pack }) => putMessages(clients, names.calls(id), [pack], TTL)))
  const jobs = all.map(({ id, pack }) => ({
    name: JOB_NAME,
    data: {
      protocol: PROTOCOL,
      client,
      pack: pack.id,
      calls: pack.calls,
      ...(isLarge(pack) ? {} : { text: pack.text }),
    },
    opts: { jobId: id },
  }))
  const one = async ({ name, data, opts }: (typeof jobs)[number]): Promise<unknown> => queue.add(name, data, opts)
  if (jobs.length === 1) await Promise.all(jobs.map(one))
  // A server that was restarted has no scripts any more, which only a job alone brings again.
  else await queue.addBulk(jobs).catch(() => Promise.all(jobs.map(one)))
}

// At once: if the answer is lost on its way, the job is not there any more, which says the same.
const TAKE_BACK = `
if redis.call('LREM', KEYS[1], 1, ARGV[1]) + redis.call('LREM', KEYS[2], 1, ARGV[1]) == 0 then return 0 end
redis.call('DEL', KEYS[3])
return 1`

/** Takes a job out of the queue. @returns false if it does not wait there: a worker has it, or it has ended, with an answer */
export async function takeBack({ clients, names }: Pick<QueueLink, 'clients' | 'names'>, id: string): Promise<boolean> {
  return (await clients.send('EVAL', TAKE_BACK, '3', ...names.waiting, names.job(id), id)) === 1
}

/** Removes what there is of a job. */
export function removeJob({ clients, queue, names }: QueueLink, { id, pack }: PackJob): Promise<unknown> {
  const keys = [names.answer(id), ...(isLarge(pack) ? [names.calls(id)] : [])]
  return Promise.all([queue.remove(id), clients.send('UNLINK', ...keys)])
}

/** What became of a job. */
export type JobState =
  | { readonly kind: 'removed' }
  /** It waits, or runs. `worker`: that holds it. */
  | { readonly kind: 'open'; readonly worker: string | undefined }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'completed'; readonly answer: JobAnswer | undefined }

export async function stateOf({ clients, names }: QueueLink, id: string): Promise<JobState> {
  const fields = ['timestamp', 'finishedOn', 'returnvalue', 'failedReason']
  const [[added, finished, value, reason], lock] = (await Promise.all([
    clients.send('HMGET', names.job(id), ...fields),
    clients.send('GET', names.lock(id)),
  ])) as [(string | null)[], string | null]
  if (typeof added !== 'string') return { kind: 'removed' }
  if (typeof finished !== 'string') return { kind: 'open', worker: lock?.split(':')[0] }
  if (typeof reason === 'string') return { kind: 'failed', reason }
  return { kind: 'completed', answer: checkedAnswer(parsed(value)) }
}

function parsed(value: string | null | undefined): unknown {
  try {
    return JSON.parse(value ?? '')
  } catch {
    return undefined
  }
}
