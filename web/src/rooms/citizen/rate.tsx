// SPDX-License-Identifier: Apache-2.0
/** What the person thinks of the answer; where the process offers it, that it must be done again. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../../api';
import { t } from '../../i18n';
import type { Task } from '../../types';
import { Button, Note } from '../../ui/base';
import { Check, ErrorSummary, errorsOf, Field, Group, StarInput, type Errors } from '../../ui/form';
import { toast } from '../../ui/toast';

export function RateForm({ task, title = t('rate.title'), done }: { task: Task; title?: string; done: () => void }): JSX.Element {
  const again = !!task.form?.properties?.reopen;
  const [stars, setStars] = useState(0);
  const [comment, setComment] = useState('');
  const [reopen, setReopen] = useState(false);
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  const send = async (): Promise<void> => {
    const wrong: Errors = {};
    if (!stars) wrong.stars = t('rate.stars.missing');
    if (reopen && comment.trim().length < 5) wrong.comment = t('rate.comment.missing');
    setErrors(wrong);
    if (Object.keys(wrong).length) return;
    setBusy(true);
    try {
      await api.post(`/api/v1/tasks/${task.id}/complete`, {
        variables: { stars, ...(comment.trim() ? { comment: comment.trim() } : {}), ...(reopen ? { reopen: true } : {}) },
      });
      toast(reopen ? t('rate.reopened') : t('rate.thanks'));
      done();
    } catch (e) {
      setErrors(errorsOf(e, ['stars', 'comment', 'reopen']));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="card"
      id="rate"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      <h2>{title}</h2>
      <ErrorSummary errors={errors} prefix="r" />
      <Group id="r-stars" label={t('rate.stars')} error={errors.stars}>
        <StarInput id="r-stars-input" value={stars} onChange={setStars} />
      </Group>
      <Field id="r-comment" label={t('rate.comment')} error={errors.comment} optional={!reopen}>
        <textarea rows={3} maxLength={1000} value={comment} onInput={(e) => setComment(e.currentTarget.value)} />
      </Field>
      {again && (
        <Check id="r-reopen" checked={reopen} onChange={setReopen} hint={t('rate.reopen.hint')}>
          {t('rate.reopen')}
        </Check>
      )}
      {Object.keys(errors).includes('') && <Note tone="bad" title={errors['']} />}
      <div class="buttons">
        <Button kind="primary" type="submit" busy={busy}>
          {reopen ? t('rate.send_reopen') : t('rate.send')}
        </Button>
      </div>
    </form>
  );
}
