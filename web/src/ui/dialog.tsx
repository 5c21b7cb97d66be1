// SPDX-License-Identifier: Apache-2.0
import { X } from 'lucide';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { t } from '../i18n';
import { createStore, useStore } from '../store';
import { Button, IconButton } from './base';

/** The browser's own modal dialog: focus stays inside, Escape closes, the page behind is inert. */
export function Dialog({ title, children, onClose, wide }: { title: string; children: ComponentChildren; onClose: () => void; wide?: boolean }): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    ref.current?.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  return (
    <dialog
      ref={ref}
      class={wide ? 'dialog wide' : 'dialog'}
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onClick={(e) => e.target === ref.current && onClose()}
    >
      <div class="dialog-body">
        <div class="dialog-head">
          <h2 id={id}>{title}</h2>
          <IconButton icon={X} label={t('close')} onClick={onClose} />
        </div>
        {children}
      </div>
    </dialog>
  );
}

interface Question {
  title: string;
  text: string;
  yes: string;
  danger?: boolean | undefined;
  answer: (yes: boolean) => void;
}
const question = createStore<Question | null>(null);

/** Ask before what cannot be undone. */
export function confirm(title: string, text: string, yes: string, danger = false): Promise<boolean> {
  return new Promise((resolve) =>
    question.set({
      title,
      text,
      yes,
      danger,
      answer: (a) => {
        question.set(null);
        resolve(a);
      },
    }),
  );
}

export function Questions(): JSX.Element | null {
  const q = useStore(question);
  if (!q) return null;
  return (
    <Dialog title={q.title} onClose={() => q.answer(false)}>
      <p>{q.text}</p>
      <div class="buttons">
        <Button kind={q.danger ? 'danger' : 'primary'} onClick={() => q.answer(true)}>
          {q.yes}
        </Button>
        <Button onClick={() => q.answer(false)}>{t('cancel')}</Button>
      </div>
    </Dialog>
  );
}
