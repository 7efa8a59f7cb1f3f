package vu

import (
	"bytes"
	"fmt"
	"mime"
	"mime/multipart"
	"net/textproto"
	"path"
	"strings"

	"sluice.dev/sluice/internal/load/script"
)

// multipart renders a multipart form.
func (u *user) multipart(parts []script.Part) ([]byte, string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	boundary := fmt.Sprintf("sluice-%016x%016x", u.scope.Rand.Uint64(), u.scope.Rand.Uint64())
	_ = w.SetBoundary(boundary) // short, and of letters that a boundary may have
	for _, p := range parts {
		header := textproto.MIMEHeader{"Content-Disposition": {u.disposition(p)}}
		if kind := typeOf(p); kind != "" {
			header.Set("Content-Type", kind)
		}
		part, err := w.CreatePart(header)
		if err != nil {
			continue // never: it writes into memory
		}
		if p.File != nil {
			_, _ = part.Write(p.File)
		} else {
			_, _ = part.Write([]byte(p.Value.String(&u.scope)))
		}
	}
	_ = w.Close() // never an error: it writes into memory
	return b.Bytes(), w.FormDataContentType()
}

var quotes = strings.NewReplacer("\\", "\\\\", `"`, "\\\"", "\r", "%0D", "\n", "%0A")

func (u *user) disposition(p script.Part) string {
	text := fmt.Sprintf(`form-data; name="%s"`, quotes.Replace(u.named(p.Name)))
	if p.FileName != "" {
		text += fmt.Sprintf(`; filename="%s"`, quotes.Replace(path.Base(p.FileName)))
	}
	return text
}

// typeOf is a part's type: the script's, or for a file the one its name has.
func typeOf(p script.Part) string {
	if p.ContentType != "" || p.FileName == "" {
		return p.ContentType
	}
	if kind := mime.TypeByExtension(path.Ext(p.FileName)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}
