/** Runs tasks through a queue of BullMQ, on workers of any number of machines. */
export {}
