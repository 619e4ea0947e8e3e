#include "sealed-request.h"
