/** Descriptors of a worker process: from the client, to the client, what ends with the client, the ledgers, and the stores for large objects from and to the client. */
export const FROM_CLIENT = 3
export const TO_CLIENT = 4
export const LIFELINE = 5
export const LEDGERS = 6
export const STORE_FROM_CLIENT = 7
export const STORE_TO_CLIENT = 8

/**
 * The environment variable that tells a worker that it has ledgers and stores. Behind a prefix there are none. One that serves
 * a host has no stores, and other descriptors: `hosted <from the host> <to the host> <lifeline> <ledgers>`.
 */
export const IS_LOCAL = 'TAPS_SDK_IS_LOCAL'
