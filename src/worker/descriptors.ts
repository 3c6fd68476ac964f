/** Descriptors of a worker process: from the client, to the client, what ends with the client, and the ledgers. */
export const FROM_CLIENT = 3
export const TO_CLIENT = 4
export const LIFELINE = 5
export const LEDGERS = 6
