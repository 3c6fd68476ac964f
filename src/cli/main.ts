#!/usr/bin/env node
/** The command line: reads arguments, and calls what is public. */
export {}
