import { Button, Group, Loader, Modal, Progress, Stack, Text } from '@mantine/core'
import { type ReactNode } from 'react'
import { Failure } from '../../parts/action.tsx'
import { count, counted } from '../../parts/count.ts'
import { Landing } from './landing.tsx'
import { useSettling, type Order, type Settling, type Tally, type Verb } from './settling.ts'

interface SettleManyProps {
  readonly order: Order
  readonly onClose: () => void
}

const titles = { replay: 'Replay dead letters', discard: 'Discard dead letters' }
const done = { replay: 'replayed', discard: 'discarded' }

/** Counts them, says what will be done, does it with progress, and shows what became of it. May be cancelled and gone on with. */
export function SettleMany({ order, onClose }: SettleManyProps): ReactNode {
  const { verb, wanted } = order
  const settling = useSettling(order)
  const { phase } = settling
  const close = (): void => {
    settling.cancel()
    onClose()
  }
  return (
    <Modal
      opened
      onClose={close}
      closeOnClickOutside={phase.is !== 'doing'}
      title={titles[verb]}
      centered
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Stack data-testid="settle-many">
        {phase.is === 'finding' ? <Finding found={phase.found} error={phase.error} /> : null}
        {phase.is === 'ask' ? <Asking verb={verb} what={wanted.what} size={phase.letters.length} /> : null}
        {phase.is === 'doing' || phase.is === 'over' ? <Doing verb={verb} tally={phase.tally} /> : null}
        {phase.is === 'over' ? (
          <>
            <Failure error={phase.error} />
            {phase.isStopped ? <Text size="sm">Stopped. {count(phase.rest.length)} are left as they were.</Text> : null}
            {verb === 'replay' && phase.tally.sent.length > 0 ? <Landing sent={phase.tally.sent} /> : null}
          </>
        ) : null}
        <Buttons verb={verb} settling={settling} onClose={close} />
      </Stack>
    </Modal>
  )
}

function Finding({ found, error }: { found: number; error: Error | null }): ReactNode {
  if (error !== null) return <Failure error={error} />
  return (
    <Group gap="sm" role="status">
      <Loader size="xs" />
      <Text size="sm">Looking for them: {count(found)} so far</Text>
    </Group>
  )
}

function Asking({ verb, what, size }: { verb: Verb; what: string; size: number }): ReactNode {
  if (size === 0) return <Text size="sm">There are none any more: somebody acted on them meanwhile.</Text>
  return (
    <Text size="sm" component="div">
      <b data-testid="settle-size">{counted(size, 'dead letter')}</b>: {what}.{' '}
      {verb === 'replay'
        ? 'Each goes back into its stream as it is, by the stream’s retry topic: other readers of the source topic do not see it again. One that fails again is a dead letter again, with its count. Where a newer version of its row is in the table, that one stays.'
        : 'They are marked as done with, and no longer count as open. Nothing is deleted: the records stay in the dead-letter topic. It cannot be taken back.'}
    </Text>
  )
}

function Doing({ verb, tally }: { verb: Verb; tally: Tally }): ReactNode {
  const { of, settled, already, missing } = tally
  const over = settled + already + missing
  return (
    <Stack gap={4}>
      <Progress value={of === 0 ? 0 : (100 * over) / of} aria-label={`How many are ${done[verb]}`} />
      <Text size="sm" role="status" data-testid="settle-progress">
        {count(settled)} of {count(of)} {done[verb]}
        {already === 0 ? '' : ` · ${count(already)} were settled before`}
        {missing === 0 ? '' : ` · ${count(missing)} are not there`}
      </Text>
    </Stack>
  )
}

function Buttons({ verb, settling, onClose }: { verb: Verb; settling: Settling; onClose: () => void }): ReactNode {
  const { phase, begin, cancel } = settling
  const color = verb === 'discard' ? { color: 'red.9' } : {}
  const size = phase.is === 'ask' ? phase.letters.length : phase.is === 'over' ? phase.rest.length : 0
  return (
    <Group justify="flex-end">
      {phase.is === 'doing' ? (
        <Button size="xs" variant="default" onClick={cancel}>
          Stop
        </Button>
      ) : (
        <Button size="xs" variant="default" onClick={onClose}>
          {phase.is === 'over' ? 'Close' : 'Leave them'}
        </Button>
      )}
      {size === 0 ? null : (
        <Button size="xs" {...color} onClick={begin}>
          {phase.is === 'over' ? 'Go on with' : verb === 'replay' ? 'Replay' : 'Discard'} {count(size)}
        </Button>
      )}
    </Group>
  )
}
