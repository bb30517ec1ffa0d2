import { startObjectStorage } from '../../src/dev/object-storage.ts'
import { answerParent, argument } from '../processes/script.ts'

const { url } = await startObjectStorage(argument())
answerParent(url)
