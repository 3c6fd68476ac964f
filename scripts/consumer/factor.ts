export const factor: number = 2
