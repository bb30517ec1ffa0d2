import { startPostgres } from '../../src/dev/postgres.ts'
import { answerParent } from '../processes/script.ts'

const { url } = await startPostgres()
answerParent(url)
