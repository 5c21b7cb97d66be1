// SPDX-License-Identifier: Apache-2.0
/** The report being written. */
import type { Draft } from '../../db';
import { createDraft } from '../../draft';

export const { current, read: readDraft, change, drop: dropDraft } = createDraft<Draft>('report', 'khue.draft', () => ({ files: [], changed: 0 }));
