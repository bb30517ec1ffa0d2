/** The outbox, which saves sessions without a network, and the import of a local history into an account. */
export { importHistory, type ImportOptions, type ImportProblem, type ImportReport } from './import-history.ts'
export { createOutbox } from './outbox.ts'
export type { Outbox, OutboxOptions, Sending } from './outbox-interface.ts'
