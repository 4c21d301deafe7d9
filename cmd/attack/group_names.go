package main

import "strings"

// lookalikes are names, each with other spellings that people cannot tell apart
// from it. They contain NAME, which is replaced by letters that no other
// account has.
var lookalikes = []struct {
	original string
	alike    []string
}{
	{"NAME", []string{
		"NAME ", " NAME", "  NAME  ", "NAME\u00a0", "\u3000NAME", "NAME\u2003", "NAME\u202f", "NAME\u205f", "NAME\u1680",
		"NAME\u200b", "\u200bNAME", "NAME\u200c", "NAME\u200d", "NAME\u2060", "\ufeffNAME", "NAME\u00ad", "\u00adNAME", "NAME\u034f",
		"NAME\u180e", "NAME\u061c", "NAME\u200e", "\u200fNAME", "\u202aNAME", "\u202bNAME", "NAME\u202c", "\u202dNAME", "\u202eNAME",
		"\u2066NAME\u2069", "\u2067NAME\u2069", "\u2068NAME\u2069", "NAME\u0085", "NAME\u2028", "NAME\u2029", "NAME\u0000", "NAME\u0009",
		"NAME\u000a", "NAME\u007f", "NAME\u2800", "NAME\u3164", "NAME\u115f", "NAME\uffa0", "NAME\ufe0e", "NAME\ufe0f", "NAME\u17b4",
		"NAME\u2061", "NAME\u206a", "NAME\ufff9", "NAME\U000e0001", "NAME\U000e0041", "NAME\U000e0100", "NAME\U0001d173", "NAME\ue000", "NAME\uffff",
	}},
	{"NAME two", []string{"NAME  two", "NAME\u00a0two", "NAME \u3000two", "NAME\u2009two", "NAME\u200b two", "NAME TWO", "NAME\ttwo"}},
	{"NAMEé", []string{"NAMEe\u0301", "NAMEÉ", "NAMEE\u0301", "NAMEé\u200b", "NAME\u00e9 "}},
	{"NAMEệ", []string{"NAMEẹ\u0302", "NAMEê\u0323", "NAMEe\u0302\u0323", "NAMEe\u0323\u0302", "NAMEỆ"}},
	{"NAME가", []string{"NAME\u1100\u1161", "NAME\u1100\u1161 "}},
	{"NAMEカ", []string{"NAMEｶ"}},
	{"NAMEガ", []string{"NAMEカ\u3099", "NAMEｶﾞ"}},
	{"NAMEabc123", []string{"NAMEａｂｃ１２３", "ＮＡＭＥABC１２３", "NAME𝐚𝐛𝐜123", "NAME𝖆𝖇𝖈123", "NAMEⓐⓑⓒ123", "NAMEᵃᵇᶜ123", "NAMEabc¹²³", "NAMEabc𝟏𝟐𝟑"}},
	{"NAMEfiff", []string{"NAMEﬁﬀ", "NAMEFIFF", "NAMEﬁff"}},
	{"NAMEffist", []string{"NAMEﬃﬆ", "NAMEffiſt"}},
	{"NAMEk", []string{"NAME\u212a", "NAMEK"}},
	{"NAMEå", []string{"NAME\u212b", "NAMEa\u030a", "NAMEÅ"}},
	{"NAMEω", []string{"NAME\u2126", "NAMEΩ"}},
	{"NAMEꭰꮳ", []string{"NAMEᎠᏣ", "NAMEꭰᏣ"}},
	{"NAMEᏸ", []string{"NAMEᏰ"}},
	{"NAMEⴀ", []string{"NAMEႠ"}},
	{"NAME𐐨", []string{"NAME𐐀"}},
	{"NAMEi\u0307", []string{"NAMEİ", "NAMEI\u0307"}},
	{"NAMEß", []string{"NAMEẞ"}},
	{"NAMEοδος", []string{"NAMEΟΔΟΣ", "NAMEοδοσ"}},
	{"NAMEдж", []string{"NAMEДЖ", "NAMEДж"}},
	{"NAMEǆ", []string{"NAMEǅ", "NAMEǄ", "NAMEdž", "NAMEDŽ"}},
	{"NAMEµ", []string{"NAMEμ", "NAMEΜ"}},
	{"NAME☃", []string{"NAME☃\ufe0f", "NAME☃\ufe0e"}},
	{"NAME…", []string{"NAME..."}},
	{"NAME½", []string{"NAME1⁄2"}},
}

// names registers the originals, and then tries to make a second account beside
// each: by registering one, and by renaming another.
func names(s *site) (all []attack) {
	const group = "names that look the same"
	second := ""
	for _, row := range lookalikes {
		base := strings.ToLower(strings.ReplaceAll(s.name("name"), "-", ""))
		original := strings.ReplaceAll(row.original, "NAME", base)
		all = append(all, attack{group, quoted([]byte(row.original)), func(s *site) (r result) {
			m := registering(original, s.name("name"))
			if _, err := s.call(m, 201); !r.must(err) {
				return r
			}
			if second == "" {
				a, err := s.register("renamed")
				if !r.must(err) {
					return r
				}
				second = a.token
			}
			for _, spelling := range row.alike {
				// The letters of the name have other cases and widths too.
				name := strings.NewReplacer("NAME", base, "ＮＡＭＥ", wide(base)).Replace(spelling)
				r.expects(s, registering(name, s.name("name")), status(400, 409, 422))
				r.expects(s, message{method: "PUT", target: "/api/user", token: second, body: object("user", map[string]any{"username": name})}, status(400, 409, 422))
			}
			return r
		}})
	}
	return all
}

func registering(name, email string) message {
	return message{method: "POST", target: "/api/users", body: registration(account{name: name, email: email + "@example.com", password: "correct horse battery"})}
}

// wide returns the full-width forms of letters and digits.
func wide(text string) string {
	return strings.Map(func(r rune) rune { return r - '!' + '！' }, text)
}
