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
import { basePath } from '../api/base-path.ts'
import { send } from '../api/client.ts'
import { useLive } from '../api/live.tsx'
import { count } from '../parts/count.ts'
import logo from './millrace.svg'
import { has, NotHere, type Need } from './not-here.tsx'
import { useMaySee, useMe } from './session.tsx'

interface Place {
  readonly to: string
  readonly label: string
  readonly admin?: true
  /** What a console has to have for it. */
  readonly needs?: Need
}

const places: readonly Place[] = [
  { to: '/', label: 'Overview' },
  { to: '/dags', label: 'DAGs', needs: 'project' },
  { to: '/topics', label: 'Topics', needs: 'kafka' },
  { to: '/tables', label: 'Tables', needs: 'cassandra' },
  { to: '/dead-letters', label: 'Dead letters', needs: 'project' },
  { to: '/follow', label: 'Follow a record' },
  { to: '/users', label: 'Users', admin: true, needs: 'write' },
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
        <Here />
      </AppShell.Main>
    </AppShell>
  )
}

/** The page, or why there is none of it here. */
function Here(): ReactNode {
  const { console } = useMe()
  const path = useRouterState({ select: ({ location }) => location.pathname })
  const needs = path === '/cql' ? 'cassandra' : places.find(({ to }) => to !== '/' && path.startsWith(to))?.needs
  return needs === undefined || has(console, needs) ? <Outlet /> : <NotHere needs={needs} />
}

function Project(): ReactNode {
  const { status } = useLive()
  return (
    <Text fw={600} truncate>
      {status?.project || 'Millrace'}
    </Text>
  )
}

function Places({ onGo }: { onGo: () => void }): ReactNode {
  const isAdmin = useMaySee('admin')
  const { status } = useLive()
  const lettersOpen = status?.flows.reduce((all, { deadLetters }) => all + (deadLetters ?? 0), 0) ?? 0
  const { console } = useMe()
  const path = useRouterState({ select: ({ location }) => location.pathname })
  return places
    .filter(({ admin, needs }) => (!admin || isAdmin) && (needs === undefined || has(console, needs)))
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
          rightSection={
            to === '/dead-letters' && lettersOpen > 0 ? (
              <Badge color="red.9" size="sm" aria-label={`${count(lettersOpen)} open`}>
                {count(lettersOpen)}
              </Badge>
            ) : null
          }
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
        <Menu.Item onClick={() => void send('DELETE', '/session').finally(() => window.location.assign(`${basePath}/`))}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
