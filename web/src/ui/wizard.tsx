// SPDX-License-Identifier: Apache-2.0
/** A form with one thing per page: where one is, what is wrong, and that the draft is kept. */
import type { ComponentChildren, JSX } from 'preact';
import { t } from '../i18n';
import { BackLink } from './base';
import { confirm } from './dialog';
import { ErrorSummary, type Errors } from './form';

interface WizardProps {
  /** which page, from 0 */
  n: number;
  of: number;
  back: string;
  errors: Errors;
  onForward: () => void;
  /** Throw the draft away; undefined: there is none to speak of. */
  onDrop?: (() => void) | undefined;
  children: ComponentChildren;
}

export function WizardFrame({ n, of, back, errors, onForward, onDrop, children }: WizardProps): JSX.Element {
  return (
    <div class="wrap narrow page wizard">
      <BackLink href={back}>{t('back')}</BackLink>
      <p class="wizard-step">{t('report.step', { n: n + 1, of })}</p>
      <div class="wizard-bar" aria-hidden="true">
        <span style={{ width: `${((n + 1) / of) * 100}%` }} />
      </div>
      <ErrorSummary errors={errors} />
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          onForward();
        }}
      >
        {children}
      </form>
      {onDrop && (
        <p class="quiet">
          {t('report.kept')}{' '}
          <button
            type="button"
            class="button quiet small"
            onClick={() =>
              void confirm(t('report.drop'), t('report.drop.text'), t('report.drop'), true).then((yes) => {
                if (yes) onDrop();
              })
            }
          >
            {t('report.drop')}
          </button>
        </p>
      )}
    </div>
  );
}
