export { type DType, type NdArray, ndArray, type TypedArray } from './arrays.ts'
export { pythonTask, type PythonTaskOptions } from './python-task.ts'
