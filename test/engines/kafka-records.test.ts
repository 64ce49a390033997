import { engines } from '../../tools/engines/index.ts'
import { kafkaRecordsSuite } from '../harness/kafka-records-suite.ts'
import { describeOn } from './available.ts'
import { startKillableBroker } from './killable-broker.ts'

describeOn([], 'kafkaRecords on our embedded broker', () => kafkaRecordsSuite(startKillableBroker))
describeOn(['kafka4'], 'kafkaRecords on Kafka 4', () => kafkaRecordsSuite(engines.kafka4))
