import { describe } from 'vitest'
import { judgeTableFiles } from '../harness/table-files.ts'
import { startTableStore } from '../harness/table-store.ts'

describe('millrace tables export and import on the table store', () => judgeTableFiles(startTableStore))
