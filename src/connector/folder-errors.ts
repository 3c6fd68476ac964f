import { TransformError } from '../errors.ts'

const CURES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space, or choose a folder on another disk',
  EDQUOT: 'the quota of the disk is used up: free some space, or choose a folder on another disk',
  EFBIG: 'the file is larger than this process or the file system allows: raise `ulimit -f`, or store smaller values',
  EACCES: 'this process may not use it: change its permissions, or choose another folder',
  EPERM: 'this process may not use it: change its permissions, or choose another folder',
  EROFS: 'the file system is read-only: choose another folder',
  ENOTDIR: 'a part of the path is no folder: choose a folder, or a path where one can be made',
  EEXIST: 'a part of the path is no folder: choose a folder, or a path where one can be made',
  EMFILE: 'this process has too many open files: raise `ulimit -n`',
  ENFILE: 'the machine has too many open files',
  ELOOP: 'it is a symbolic link, which is not followed',
  ENAMETOOLONG: 'the path is too long: choose another folder',
}

/** Names the path, the code and the cure. */
export function folderError(verb: string, path: string, cause: unknown): TransformError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const cure = CURES[code]
  const reason = cure === undefined ? message : `${code}, ${cure}`
  return new TransformError(`Cannot ${verb} ${path}: ${reason}`, { cause })
}

export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** @returns undefined where a file, or the folder that it should be in, is not there */
export function unlessMissing<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
