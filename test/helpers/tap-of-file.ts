// Stands in for 'tap' in a test file that shares its process with others; evaluated once for each of them.
import { currentTest } from './run-tests.ts'

export default currentTest()
