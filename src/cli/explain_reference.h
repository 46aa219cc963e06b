/* schemas/README.md, written from the tables: `davit explain -o markdown`. */
#pragma once

#include "cli/explain_member.h"

#include <stdio.h>

void explain_write_reference(FILE *file, const struct explanation *explanation);
