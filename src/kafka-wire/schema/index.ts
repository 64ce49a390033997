export { api, type Api, type Message, type RequestOf, type ResponseOf } from './api.ts'
export { array, arrayOf, bool, bytes, float64, int16, int32, int64, int8, records, string, struct, uint16, uuid } from './fields.ts'
export type { Field, Fields, FieldShape, Primitive } from './fields.ts'
