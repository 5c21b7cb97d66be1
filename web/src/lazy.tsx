// SPDX-License-Identifier: Apache-2.0
/** Pages that come when they are asked for, and what is shown when a page breaks. */
import { Component, type ComponentChildren, type ComponentType, type JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from './api';
import { t } from './i18n';
import { Button, Note, PageTitle, Skeleton, Trouble } from './ui/base';

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let found: ComponentType<P> | undefined;
  return function Lazy(props: P): JSX.Element {
    const [state, setState] = useState<'wait' | 'here' | 'lost'>(found ? 'here' : 'wait');
    const [turn, setTurn] = useState(0);
    useEffect(() => {
      let here = true;
      if (!found)
        load().then(
          (c) => {
            found = c;
            if (here) setState('here');
          },
          () => here && setState('lost'),
        );
      return () => {
        here = false;
      };
    }, [turn]);
    if (found && state === 'here') {
      const Page = found;
      return <Page {...props} />;
    }
    return (
      <div class="wrap page">
        {state === 'lost' ? (
          <Trouble error={new ApiError(0, 'OFFLINE', t('error.offline'), '', [], '', 0)} retry={() => (setState('wait'), setTurn((n) => n + 1))} />
        ) : (
          <Skeleton lines={5} tall />
        )}
      </div>
    );
  };
}

/** Keeps the frame of the portal when a page breaks. */
export class Guard extends Component<{ children: ComponentChildren; step: number }, { broken: Error | null; step: number }> {
  override state = { broken: null as Error | null, step: this.props.step };
  static override getDerivedStateFromError(broken: Error): { broken: Error } {
    return { broken };
  }
  static override getDerivedStateFromProps(p: { step: number }, s: { step: number }): object | null {
    return p.step !== s.step ? { broken: null, step: p.step } : null;
  }
  override componentDidCatch(e: Error): void {
    console.error(e);
  }
  render(): ComponentChildren {
    if (!this.state.broken) return this.props.children;
    return (
      <div class="wrap narrow page">
        <PageTitle>{t('broken.title')}</PageTitle>
        <Note tone="bad">
          <p>{t('broken.text')}</p>
        </Note>
        <div class="buttons">
          <Button kind="primary" onClick={() => location.reload()}>
            {t('reload')}
          </Button>
          <a class="button" href="/">
            {t('nav.home')}
          </a>
        </div>
      </div>
    );
  }
}
