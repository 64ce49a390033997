import { describe } from 'vitest'
import { judgeQueryShell } from '../harness/query-shell.ts'
import { startTableStore } from '../harness/table-store.ts'

describe('millrace query on the table store', () => judgeQueryShell(startTableStore, 'shell'))
