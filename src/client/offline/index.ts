/** The outbox, which saves sessions without a network, and the import of a local history into an account. */
export { importHistory, type ImportOptions, type ImportProblem, type ImportReport } from './import-history.ts'
export { createOutbox, type Outbox, type OutboxOptions } from './outbox.ts'
export type { Sending } from './delivery.ts'
