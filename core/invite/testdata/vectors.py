# The known answers of vectors_test.go, written from the package comment alone,
# with Python's own hmac and hashlib: python3 vectors.py
import hmac,hashlib,base64,struct
def frames(*p): return b''.join(struct.pack('>H',len(x))+x for x in p)
def b64(b): return base64.urlsafe_b64encode(b).rstrip(b'=').decode()
def hk(ikm,salt,info,n):
    prk=hmac.new(salt,ikm,hashlib.sha256).digest(); t=b'';o=b'';i=1
    while len(o)<n:
        t=hmac.new(prk,t+info+bytes([i]),hashlib.sha256).digest();o+=t;i+=1
    return o[:n]
# RFC 5869 A.1 as a check of hk itself
assert hk(b'\x0b'*22,bytes(range(13)),bytes(range(0xf0,0xfa)),42).hex()=='3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865'
ID=bytes(range(1,10)); S=bytes(range(16,32)); ND=bytes(range(32,64)); NG=bytes(range(64,96)); O=b'http://192.168.1.20:8080'
body=b'\x01'+ID+S
print('link',O.decode()+'/#join='+b64(body+hashlib.sha256(frames(b'goldpan/1 link',O,body)).digest()[:4]))
def tag(k,kind,role,id,*more): return hmac.new(k,frames(('goldpan/1 %s %s'%(kind,role)).encode(),id,ND,NG,O,*more),hashlib.sha256).digest()
print('gate',b64(tag(S,'join','gateway',ID))); print('device',b64(tag(S,'join','device',ID)))
K=hk(S,ND+NG,frames(b'goldpan/1 device key',ID,O),32); D=hk(S,ND+NG,frames(b'goldpan/1 device id',ID,O),9)
print('key',K.hex()); print('id',b64(D))
P=[b'Home',b'bc1qexample']
print('welcome',b64(tag(K,'join','welcome',ID,D,*P)))
print('lgate',b64(tag(K,'login','gateway',D))); print('ldevice',b64(tag(K,'login','device',D))); print('lwelcome',b64(tag(K,'login','welcome',D,D,*P)))
b=b'\x01'+D+K; print('cred',b64(b+hashlib.sha256(frames(b'goldpan/1 credential',O,b)).digest()[:4]))
print('token','gp1'+base64.b32encode(body+hashlib.sha256(frames(b'goldpan/1 token check',body)).digest()[:4]).decode().rstrip('=').lower())
print('hash',hashlib.sha256(frames(b'goldpan/1 token',ID,S)).hexdigest())
