import { runReconciliation } from '../reconcile/recordings-command-line.ts'
import { runCommand } from './run-command.ts'

await runCommand(runReconciliation)
