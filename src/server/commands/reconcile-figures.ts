import { runFiguresReconciliation } from '../reconcile/figures-command-line.ts'
import { runCommand } from './run-command.ts'

await runCommand(runFiguresReconciliation)
