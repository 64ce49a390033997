import {
  AppShell,
  Badge,
  Burger,
  Group,
  Menu,
  NavLink,
  Text,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { send } from '../api/client.ts'
import { useLive } from '../api/live.tsx'
import logo from './millrace.svg'
import { useMay, useMe } from './session.tsx'

interface Place {
  readonly to: string
  readonly label: string
  readonly admin?: true
}

const places: readonly Place[] = [
  { to: '/', label: 'Overview' },
  { to: '/dags', label: 'DAGs' },
  { to: '/topics', label: 'Topics' },
  { to: '/tables', label: 'Tables' },
  { to: '/dead-letters', label: 'Dead letters' },
  { to: '/follow', label: 'Follow a record' },
  { to: '/users', label: 'Users', admin: true },
  { to: '/audit', label: 'Audit log', admin: true },
]

/** What every page stands in: where one is, whether it is live, who one is. */
export function Shell(): ReactNode {
  const [isOpen, { toggle, close }] = useDisclosure(false)
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !isOpen } }} padding="md">
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm" wrap="nowrap" justify="space-between">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={isOpen ? 'Close the menu' : 'Open the menu'} />
            <img src={logo} alt="" width={26} height={26} />
            <Project />
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Liveness />
            <UserMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" component="nav" aria-label="Pages">
        <Places onGo={close} />
      </AppShell.Navbar>
      <AppShell.Main>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  )
}

function Project(): ReactNode {
  const { status } = useLive()
  return (
    <Text fw={600} truncate>
      {status?.project ?? 'Millrace'}
    </Text>
  )
}

function Places({ onGo }: { onGo: () => void }): ReactNode {
  const isAdmin = useMay('admin')
  const path = useRouterState({ select: ({ location }) => location.pathname })
  return places
    .filter(({ admin }) => !admin || isAdmin)
    .map(({ to, label }) => {
      const isHere = to === '/' ? path === '/' : path.startsWith(to)
      return (
        <NavLink
          key={to}
          component={Link}
          to={to}
          label={label}
          active={isHere}
          aria-current={isHere ? 'page' : undefined}
          onClick={onGo}
        />
      )
    })
}

/** Says when what is shown may be old. */
function Liveness(): ReactNode {
  const { connection } = useLive()
  const isLive = connection === 'live'
  return (
    <Badge role="status" variant={isLive ? 'light' : 'filled'} color={isLive ? 'mill' : '#b93c08'}>
      {isLive ? 'live' : connection === 'connecting' ? 'connecting' : 'stale: connecting again'}
    </Badge>
  )
}

function UserMenu(): ReactNode {
  const me = useMe()
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const other = scheme === 'dark' ? 'light' : 'dark'
  return (
    <Menu position="bottom-end" withinPortal={false}>
      <Menu.Target>
        <UnstyledButton px="xs" py={4} aria-label={`${me.name}, ${me.role}: menu`}>
          <Text size="sm">{me.name}</Text>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{me.role}</Menu.Label>
        <Menu.Item onClick={() => setColorScheme(other)}>Use the {other} look</Menu.Item>
        <Menu.Item onClick={() => void send('DELETE', '/session').finally(() => window.location.assign('/'))}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
