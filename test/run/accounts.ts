import { runTests } from '../helpers/run-tests.ts'

runTests('accounts')
