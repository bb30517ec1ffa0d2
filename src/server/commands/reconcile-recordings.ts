import { runReconciliation } from '../reconcile/command-line.ts'
import { runCommand } from './run-command.ts'

await runCommand(runReconciliation)
