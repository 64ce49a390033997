export { parseStatement } from './parser.ts'
export { isReserved } from './token-reader.ts'
export { formatTerm } from './format-term.ts'
export type {
  ArithmeticOp,
  Assignment,
  BatchStatement,
  ColumnDefinition,
  Comparison,
  Condition,
  DeleteStatement,
  DescribeStatement,
  If,
  InsertStatement,
  Modification,
  OptionValue,
  Parsed,
  Relation,
  SchemaStatement,
  Selection,
  SelectedColumn,
  SelectStatement,
  Statement,
  TableChange,
  TableName,
  Term,
  UpdateStatement,
  Using,
} from './ast.ts'
