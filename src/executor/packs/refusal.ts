import { ConfigError, WorkerCrashedError } from '../../errors.ts'

/** What a `REFUSED` message means: that no worker can be started as the options say, or that none could be this time. */
export function refusalOf([, reason, kind]: readonly unknown[]): ConfigError | WorkerCrashedError {
  const message = `No worker could be started: ${String(reason)}`
  return kind === 'config' ? new ConfigError(message) : new WorkerCrashedError(message)
}
