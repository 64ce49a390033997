import { describe } from 'vitest'
import { judgeMillraceClient } from '../../test/harness/client-suite.ts'
import { startEmbeddedSystems } from '../../test/harness/client-systems.ts'

describe('millrace/client on the embedded parts', () => judgeMillraceClient(startEmbeddedSystems))
