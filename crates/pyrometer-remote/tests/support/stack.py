import sys, time

def leaf(value):
    sys.stdout.write("ready\n"); sys.stdout.flush()
    time.sleep(600)

def generator():
    yield leaf(1)

class Service:
    def handle(self, request):
        return list(generator())

def key(item):
    return Service().handle(item)

def main():
    return sorted([1], key=key)

main()
