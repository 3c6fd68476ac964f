export { Engine, FutureDependencyExecutor } from './engine/engine.ts'
export type { EngineOptions } from './engine/engine-options.ts'
export type { EngineEvents } from './engine/events.ts'
export type { LimitOptions, LimitsOptions } from './engine/limits.ts'
export type { StreamOptions } from './engine/stream.ts'

export { task, type Task, type TaskDecorator } from './task/task.ts'
export type { CallOptions, RetryOptions, TaskOptions } from './task/task-options.ts'
export type { TaskRef } from './task/task-ref.ts'
export { workerResource, type WorkerResource } from './task/worker-resource.ts'
export { taskContext, type TaskClock, type TaskContext } from './task/task-context.ts'
export type {
  Atom,
  Deeper,
  Input,
  Inputs,
  Joined,
  LazyInput,
  NestedInput,
  Settled,
  SettledInside,
} from './task/inputs.ts'

export { isFuture, type FUTURE, type TaskFuture, type TimeoutOptions } from './future/task-future.ts'
export { FutureList, futureDict, futureList, type FutureDict, type FutureValue } from './future/future-list.ts'
export { constant, opaque } from './future/values.ts'
export {
  asCompleted,
  wait,
  type Completed,
  type ReturnWhen,
  type WaitOptions,
  type WaitResult,
} from './future/wait.ts'

export { toDot, toMermaid } from './engine/graph.ts'
export type { Graph, GraphNode } from './engine/history.ts'

export { InProcessExecutor, type InProcessOptions } from './executor/in-process.ts'
export type { Executor, ExecutorFuture, ExecutorLike, ShutdownOptions } from './executor/executor.ts'

export { defineFilter, type Filter, type Where } from './filter/filter.ts'
export { always, and, never, not, or } from './filter/combine.ts'
export { objectSize } from './filter/object-size.ts'
export { objectType, type TypeOptions, type TypePattern } from './filter/object-type.ts'
export { argument, taskName } from './filter/place.ts'
export { serializedSize } from './filter/serialized-size.ts'
export type { SizeOptions } from './filter/bounds.ts'

export { defineTransformer, type Transformer } from './transformer/transformer.ts'
export { proxyTransformer, type ProxyTransformerOptions } from './transformer/store-transformer.ts'
export { lazy, type Lazy, type LAZY } from './transformer/lazy.ts'
export { defineConnector, type Connector } from './connector/connector.ts'
export { MemoryConnector, type MemoryConnectorOptions } from './connector/memory.ts'
export type { PluginDefinition } from './plugin.ts'
export { deserialize, serialize, type DeserializeOptions, type SerializeOptions } from './serializer/serializer.ts'

export { MemoryRecordLogger } from './record/memory.ts'
export type {
  ExceptionInfo,
  ExecutionInfo,
  RecordLogger,
  TaskInfo,
  TaskStatus,
  TaskTimes,
} from './record/record.ts'

export type { Clock } from './clock.ts'

export {
  BootstrapError,
  CancelledError,
  ConfigError,
  DependencyError,
  ExecutorShutdownError,
  MissingPeerError,
  NotShippableError,
  SerializationError,
  TapsError,
  TaskNotFoundError,
  TimeoutError,
  TransformError,
  WorkerCrashedError,
  type TapsErrorCode,
  type TaskName,
} from './errors.ts'
