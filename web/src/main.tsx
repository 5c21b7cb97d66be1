// SPDX-License-Identifier: Apache-2.0
import { render } from 'preact';
import { App } from './app';
import { startLang } from './i18n';
import { theme } from './prefs';
import { startRouter } from './router';
import { startSession } from './session';
import './styles/base.css';
import './styles/parts.css';
import './styles/shell.css';
import './styles/citizen.css';

const shown = (): void => {
  document.documentElement.dataset.shown = theme.get();
};
theme.subscribe(shown);
shown();
startRouter();
void startSession();
void startLang().then(() => render(<App />, document.getElementById('app') as HTMLElement));
if ('serviceWorker' in navigator && import.meta.env.PROD)
  addEventListener('load', () => void navigator.serviceWorker.register('/sw.js').catch(() => undefined));
