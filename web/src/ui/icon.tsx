// SPDX-License-Identifier: Apache-2.0
import type { IconNode } from 'lucide';
import { createElement, type JSX } from 'preact';

export type { IconNode };

/** A line icon. Without a label it is decoration and hidden from readers. */
export function Icon({ of, size = 20, label, class: cls }: { of: IconNode; size?: number; label?: string; class?: string }): JSX.Element {
  return (
    <svg
      class={`icon ${cls ?? ''}`}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
      {...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' })}
    >
      {of.map(([tag, attrs], i) => createElement(tag, { ...attrs, key: i }))}
    </svg>
  );
}

const rays = Array.from({ length: 12 }, (_, i) => i * 30);

/** The mark: the round window of Khuê Văn Các, bars radiating as the light of the star Khuê. */
export function Mark({ size = 32, class: cls }: { size?: number; class?: string }): JSX.Element {
  return (
    <svg class={cls} width={size} height={size} viewBox="0 0 64 64" fill="none" stroke="currentColor" aria-hidden="true">
      <circle cx="32" cy="32" r="28.5" stroke-width="5" />
      <circle cx="32" cy="32" r="7.5" stroke-width="4" />
      {rays.map((a) => (
        <path key={a} d={a % 90 === 0 ? 'M32 20.5V7' : 'M32 17.5V7'} stroke-width={a % 90 === 0 ? 5 : 3.2} transform={`rotate(${a} 32 32)`} />
      ))}
    </svg>
  );
}
