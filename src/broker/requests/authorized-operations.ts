const bits = (...codes: number[]): number => codes.reduce((all, code) => all | (1 << code), 0)

/** What a client may do with a topic, a group and the cluster (KIP-430), as bits of Kafka's AclOperation codes: everything that there is. */
export const operations = {
  topic: bits(3, 4, 5, 6, 7, 8, 10, 11),
  group: bits(3, 6, 8, 10, 11),
  cluster: bits(5, 7, 8, 9, 10, 11, 12),
}
/** Not asked for. */
export const unasked = -2147483648
