/**
 * The program of a worker, as text that needs no file: a bundler that puts this library into one file with the user's code
 * leaves no other one to start. The build replaces this module by one that holds the whole of `main.ts`.
 */
export const workerSource: string = `import(${JSON.stringify(new URL('./main.ts', import.meta.url).href)})`
