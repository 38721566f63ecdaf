// Passkeys: only a script can ask an authenticator. It asks the server what to ask for, and sends what comes back with the form.
'use strict';

for (const form of document.querySelectorAll('form[data-passkey]')) {
  if (!window.PublicKeyCredential || !PublicKeyCredential.parseCreationOptionsFromJSON) continue;
  form.hidden = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const problem = form.querySelector('[data-problem]');
    problem.hidden = true;
    try {
      const proof = form.elements.old;
      const answer = await fetch(form.dataset.begin, { method: 'POST', body: new URLSearchParams(proof ? { old: proof.value } : {}) });
      if (!answer.ok) throw new Error(proof ? 'The password is wrong, or there were too many attempts.' : 'The server did not begin. Load the page again.');
      if (proof) proof.value = '';
      if (proof) proof.required = false;
      const options = await answer.json();
      const credential = form.dataset.passkey === 'create'
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (error) {
      problem.textContent = error.name === 'NotAllowedError' ? 'Nothing was chosen, or it took too long. Try again.'
        : error.name === 'InvalidStateError' ? 'This device holds a passkey of yours already.' : error.message;
      problem.hidden = false;
    }
  });
}
